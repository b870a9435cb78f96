"""The database that comes with the program: a home folder, Postgres binaries, one private cluster.

`Cluster.at(home).ensure_started()` is the whole story for callers: it returns `Endpoints`, which
gives a connection string for each role. With `DATABASE_URL` set, `external.prepare` returns the
same `Endpoints` for a database somebody else runs.
"""

from api.embedded.cluster import Cluster
from api.embedded.endpoints import Endpoints
from api.embedded.home import Home
from api.embedded.problems import SetupError

__all__ = ["Cluster", "Endpoints", "Home", "SetupError"]
