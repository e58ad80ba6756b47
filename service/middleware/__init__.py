"""Pure ASGI layers around the application. One, so far: who asks is checked in `service/routing.py`."""
