"""Durable jobs: work that was accepted is done, whatever happens to the process that does it.

`work` does one job, `engine` is the port to what queues jobs and brings them back after a crash, `dbos_engine` is DBOS
behind it, `worker` puts them together in a process, and `fleet` lets the living take over from the dead.
"""
