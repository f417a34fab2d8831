"""Rules of messages, whatever the technology: no I/O, no clock, no chance."""
