"""Limits that protect money: how hard providers are pressed, what a day may cost, and what need not be asked again.

`admission.py` lets model calls out (the seam is `chains/models/admission.py`), `door.py` has one provider's limits,
`budgets.py` and `ledger.py` the money, `cache.py` the answers of before.
"""
