"""Worker processes, which import the app and run its functions.

`pool`, `worker` and `channel` run in the host. The other modules run in the worker process, as does its end of
`channel`.
"""
