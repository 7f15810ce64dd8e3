"""Where results live: a directory tree that survives kill -9, several writers and a full disk."""

from ablate.records import Status
from ablate.store.attempt import Attempt
from ablate.store.entry import Entry
from ablate.store.layout import Store, latest, named, stores
from ablate.store.lease import Busy
from ablate.store.pooled import PooledStore

__all__ = ["Attempt", "Busy", "Entry", "PooledStore", "Status", "Store", "latest", "named", "stores"]
