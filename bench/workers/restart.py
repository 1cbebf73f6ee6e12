"""How soon an audit worker that starts again knows where to go on: a log that holds a million records."""
