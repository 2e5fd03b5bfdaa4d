"""From question and answer pairs to instructions with proven checkers (`docs/build.md`): what `verif build` runs.

Every step is a file, and whatever it refuses stands in the quarantine with its reason. Nothing here knows a server's
address or the audit: `verif.pipeline.building` hands both in.
"""
