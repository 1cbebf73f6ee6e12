"""The plain programs that ours are compared with, each a process of its own."""
