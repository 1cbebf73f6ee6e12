"""The edge to kopf: the only modules that import it. Each handler notes what happened and decides nothing.

Only ``on.event`` handlers are used. kopf's timers, daemons and change handlers write finalizers and
annotations to every resource; these write nothing.
"""
