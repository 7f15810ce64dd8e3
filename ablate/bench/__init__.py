"""Loss kernels measured against their definition, each other and what the machine can do."""
