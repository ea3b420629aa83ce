"""Speed and memory as ratios within one run, for `make bench`.

`make test` does not collect these files. Each ratio compares the package with a
reference measured in turns with it: a naive implementation, one worker instead of two,
the whole input in memory. `bands.json` holds the least that is accepted of each.
"""
