"""The Task API: tasks over HTTP, and one event in Kafka for each change of a task.

Requests end at the database: `services` writes a task and its event in one transaction, and `relay` takes
the events from there to Kafka in its own time. So the API answers while Kafka is away, and no change is
without its event.

    routes  ->  services  ->  storage        a request
                relay     ->  storage, publisher        what happens behind it
"""
