"""Events: the log read back. Cursors, feeds, the hub that wakes sockets, consumers, the inbox.

The log itself is written by `tenants.log` at the exit of a work; everything here only knows the
brand's gapless `seq`. Delivery is at least once, ordered per brand; dedupe by cursor.
"""
