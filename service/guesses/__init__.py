"""What readers do with a riddle over HTTP: guess, have it revealed, say what they think of it."""
