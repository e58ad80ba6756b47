"""Where the service keeps things: SQLite or PostgreSQL through SQLAlchemy Core, always called from a worker thread."""
