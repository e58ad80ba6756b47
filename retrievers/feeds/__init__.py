"""Where articles come from on a schedule: RSS and Atom, NewsAPI, JSON lines, loaders. No SQL, no HTTP server."""
