"""Events: the log read back. Cursors, feeds, the hub that wakes sockets, consumers, jobs, states.

The log itself is written by `tenants.log` at the exit of a work; everything here only knows the
brand's gapless `seq`. Feeds are at least once and ordered per brand, deduped by cursor; consumers
act exactly once. States are no events: they travel conflated and only the newest counts.
"""
