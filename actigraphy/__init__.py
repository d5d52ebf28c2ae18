"""MEASURED: recordings, signals, nights and rhythm, and PAT's view of them."""
