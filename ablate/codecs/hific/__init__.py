"""The codec HiFiC: its encoder and generator around an entropy model."""
