"""Datasets: the cases that experiments run over, from the package, from files and from what the service has stored."""

from evaluation.datasets.dataset import Dataset, case_id, normal_form
from evaluation.datasets.files import read_dataset
from evaluation.datasets.shipped import case_of, shipped_dataset
from evaluation.datasets.stored import stored_dataset, stored_size

__all__ = [
    "Dataset",
    "case_id",
    "case_of",
    "normal_form",
    "read_dataset",
    "shipped_dataset",
    "stored_dataset",
    "stored_size",
]
