import sys
from pathlib import Path

# A worker finds the function that it runs by name, so the module must be importable in a new process.
sys.path.insert(0, str(Path(__file__).parent))
