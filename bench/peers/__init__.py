"""`make bench-peers`: the same five operations on the same rows, asked of us and of our peers.

- **Q1** a client by id, its accounts with their balances, its last payments;
- **Q2** a page of clients, each with its accounts;
- **Q3** a page of settled payments, each with its client;
- **Q4** an ib with the two levels below it, each with its number of clients;
- **M1** a note on a client: one row. Ours also writes its event and its audit entry.

Every server is one process, pinned to one core; Postgres and whoever asks share another. All use
the same tables as the same role under the same row security. We run as `backdesk serve` does, with
tokens, limits and permissions; the peers take the brand from a header and check nothing. The peers
are no part of the product: what they need from npm lies in `node_modules` beside this file.
"""
