"""The finding with pretrained language models: three sizes, flags, their countries.

    vlmcore ladder run              # everything that has no result yet
    vlmcore ladder status

`book/results/ladder/PLAN.md` was committed before the runs. A frozen language model
reads V visual tokens in a prompt of plain text. The compressor is trained towards the
language model's own embeddings of the names of what is shown, so that no language model
runs in its training; a fact about a country is never in it.
"""
