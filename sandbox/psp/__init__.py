"""The sandbox PSP: hosted payments, refunds, payouts, disputes, settlements, signed notices."""
