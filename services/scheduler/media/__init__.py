"""Files that our own people bring in, to be sent: judged, written anew, kept (IM-39, CF-49)."""
