"""Labels by people: what a judge is audited with on real data (docs/label.md).

`questions` reads what is asked, `labels` keeps what was answered, `agreement` compares two labellers, `export` writes
the rows that `data.labelled` names, and `server` shows the page. No verdict of a model is read or shown anywhere here.
"""
