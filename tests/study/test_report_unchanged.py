"""The report of a small study of classes is unchanged, byte for byte."""

from pathlib import Path

from emorec.study import read_study
from emorec.study.cells import expand
from emorec.study.report import write_report
from tests.helpers.fake_study import finish, write

TABLE = """# mine

9 of 9 runs are finished; code 0 abc. Accuracy is by clip; ± is the standard deviation
over runs. Pooled accuracy is over the decisions of all runs, its bootstrap interval over speakers:
the variation between trained models is in the ±, not in the interval. "Shares
speakers" marks a split whose test speakers are also in training: it says little about new people.
No epoch was selected on test clips, except where a row says SELECTED ON TEST.


## main

| protocol                      | scores   | method   | accuracy, %    | UAR, %      | macro F1, %   | pooled accuracy, %   | 95 % interval   | runs   | decisions   | published              |
|:------------------------------|:---------|:---------|:---------------|:------------|:--------------|:---------------------|:----------------|:-------|:------------|:-----------------------|
| random_clip (shares speakers) | audio    |          | 58.3 ± 11.0    | 58.3 ± 11.0 | 58.3 ± 11.0   | 58.3                 | 55.6 to 61.1    | 3      | 72          |                        |
| random_clip (shares speakers) | face     |          | 54.2 ± 11.0    | 54.2 ± 11.0 | 54.2 ± 11.0   | 54.2                 | 41.7 to 66.7    | 3      | 72          |                        |
| random_clip (shares speakers) | fused    | base     | 58.3 ± 0.0     | 58.3 ± 0.0  | 58.3 ± 0.0    | 58.3                 | 55.6 to 61.1    | 3      | 72          |                        |
| random_clip (shares speakers) | fused    | full     | **90.3 ± 2.4** | 90.3 ± 2.4  | 90.3 ± 2.4    | 90.3                 | 83.3 to 97.2    | 3      | 72          | 83.33 (A & B, table_1) |

Paired sign-flip permutation tests between runs on the same split and test clips: the difference of the mean accuracies, and the two-sided p (at least 2 / 2^n with n pairs of runs: 0.0625 with 5, 0.031 with 6), not corrected for multiple tests. Folds share training clips, so their runs are not fully independent.

| protocol    | compared    | difference, points   | p     | pairs of runs   |
|:------------|:------------|:---------------------|:------|:----------------|
| random_clip | full - base | +31.9                | 0.250 | 3               |

Accuracy in % by the share of test clips without a modality (mean over runs):

| protocol    | missing   | method   | 0%   | 50%   | relative robustness, %   | effective robustness, points   |
|:------------|:----------|:---------|:-----|:------|:-------------------------|:-------------------------------|
| random_clip | audio     | base     | 58.3 | 58.3  | 58.3                     | +0.0                           |
| random_clip | audio     | full     | 90.3 | 90.3  | 90.3                     | +0.0                           |
| random_clip | either    | base     | 58.3 | 58.3  | 58.3                     | +0.0                           |
| random_clip | either    | full     | 90.3 | 90.3  | 90.3                     | +0.0                           |

![main_random_clip_missing](main_random_clip_missing.png)

![main_random_clip_confusion_base](main_random_clip_confusion_base.png)

![main_random_clip_confusion_full](main_random_clip_confusion_full.png)

## Order relations

- held: in 1 of 1 comparisons (differences of +31.9 to +31.9 points): full is above base
- NOT held: in 0 of 1 comparisons, 1 ties (differences of +0.0 to +0.0 points): base is above audio
"""  # noqa: E501
LATEX = r"""% main
\begin{tabular}{lllllllllll}
\toprule
protocol & scores & method & accuracy, \% & UAR, \% & macro F1, \% & pooled accuracy, \% & 95 \% interval & runs & decisions & published \\
\midrule
random\_clip (shares speakers) & audio &  & 58.3 $\pm$ 11.0 & 58.3 $\pm$ 11.0 & 58.3 $\pm$ 11.0 & 58.3 & 55.6 to 61.1 & 3 & 72 &  \\
random\_clip (shares speakers) & face &  & 54.2 $\pm$ 11.0 & 54.2 $\pm$ 11.0 & 54.2 $\pm$ 11.0 & 54.2 & 41.7 to 66.7 & 3 & 72 &  \\
random\_clip (shares speakers) & fused & base & 58.3 $\pm$ 0.0 & 58.3 $\pm$ 0.0 & 58.3 $\pm$ 0.0 & 58.3 & 55.6 to 61.1 & 3 & 72 &  \\
random\_clip (shares speakers) & fused & full & \textbf{90.3 $\pm$ 2.4} & 90.3 $\pm$ 2.4 & 90.3 $\pm$ 2.4 & 90.3 & 83.3 to 97.2 & 3 & 72 & 83.33 (A \& B, table\_1) \\
\bottomrule
\end{tabular}
"""  # noqa: E501
HEAD = (
    "seconds,grid,method,protocol,fold,seed,cell,train_clips,val_clips,test_clips,lab"
    "elled_training_clips,data,label_note,split,normalised_within,speakers_shared,selected_on_test,code"
    ",scores,case,rate,tested_clips,accuracy,uar,macro_f1"
)
FIRST = "main-base-random_clip-seed0-daf2de1b,fused,c0,00,anger,anger"


def test_table_md_and_table_tex_are_as_they_were(tmp_path: Path) -> None:
    for file in ("t", "m", "d"):  # an existing file counts by content, not by location
        (tmp_path / f"{file}.yaml").write_text("")
    full, base = {"method": "full"}, {"method": "base"}
    path = write(
        tmp_path,
        grids={
            "main": {
                "axes": {"method": {"base": {"x": 1}, "full": {"x": 2}}},
                "robustness": True,
            }
        },
        protocols={"random_clip": {"options": {"data.split": "random_clip"}, "seeds": 3}},
        published=[{"where": full, "accuracy": 0.8333, "source": "A & B, table_1"}],
        relations=[
            {"say": "full is above base", "greater": {**full, "grid": "main"}, "less": base},
            {"say": "base is above audio", "greater": base, "less": {"scores": "audio"}},
        ],
    )
    study = read_study(path)
    cells = expand(study)
    finish(cells, tmp_path, lambda c: 0.9 if c.choices.get("method") == "full" else 0.6, [0.5])
    text = write_report(study, cells, tmp_path)
    assert text == TABLE
    assert (tmp_path / "table.md").read_text() == TABLE
    assert (tmp_path / "table.tex").read_text() == LATEX
    assert (tmp_path / "results.csv").read_text().splitlines()[0] == HEAD
    assert (tmp_path / "predictions.csv").read_text().splitlines()[1] == FIRST
