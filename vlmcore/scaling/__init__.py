from vlmcore.scaling.frontier import frontier
