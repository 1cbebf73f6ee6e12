"""The Task API, with a byte in the file `COUNTED` for each statement that its SQLAlchemy executes."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine, event

from eventconsumer_api.__main__ import main

if __name__ == "__main__":
    with Path(os.environ["COUNTED"]).open("ab", buffering=0) as counted:
        event.listen(Engine, "before_cursor_execute", lambda *_: counted.write(b"."))
        main()
