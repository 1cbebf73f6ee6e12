"""The operator: one resource runs a Kafka consumer and tells whether it keeps up.

A reader's map. ``handlers`` hears from the API server and only notes what it hears: objects go into
``store``, the EventConsumers they concern (``affected``) into ``workqueue``. ``reconcile`` takes one of them
at a time: gather (``world``), decide (``connection``, ``checks``, ``desired``), apply (``cluster``), report
(``status``, ``conditions``). Beside it ``poller`` asks Kafka (``broker``) for every consumer's lag and puts
those whose lag changed into the same queue. ``runtime`` holds one run of all this together.
"""
