"""The archives of many hosts: kept, read again on a Dask cluster, reported, delivered."""
