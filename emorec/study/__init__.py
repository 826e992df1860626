"""Studies: grids of runs over methods, data sets, protocols, folds and seeds, with their tables."""

from emorec.study.cells import Cell
from emorec.study.config import Study, StudyError
from emorec.study.read import read_study

__all__ = ["Cell", "Study", "StudyError", "read_study"]
