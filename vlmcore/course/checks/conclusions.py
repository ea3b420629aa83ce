"""Conclusions that a check states once an answer is right, not the notebook."""

CONCLUSIONS = {
    "a1.q2": (
        "2N(Q + V) counts the matrices of all layers and nothing else. What it leaves "
        "out, attention and the output head, is a fixed price and one that grows with "
        "V, and which of them matters depends on the model."
    ),
    "a1.q4": (
        "Where reading the weights takes longer than computing, a decoding step costs "
        "the same seconds for few tokens as for many: fewer FLOPs save no time there."
    ),
    "a1.q6": (
        "A fixed price of the encoder shifts the choice to more tokens or a smaller "
        "model at small budgets, and hardly matters at large ones."
    ),
    "a3.q1": (
        "At Q = 0 models with one token make up the frontier, but for one with four at "
        "the smallest size, up to the largest language model. At Q = 50 they do not, "
        "and this needs no law. A law adds predictions between and beyond the 28 "
        "points."
    ),
    "a3.q2": (
        "The best D is zero, its bound, which means that the data favour a negative "
        "one; and the order of alpha and beta is reversed on the OCR tasks. Later "
        "questions return to both."
    ),
    "a3.q4": (
        "From D = -2 to D = 0, where the squared error is nearly flat, alpha changes "
        "almost fivefold; only above zero does the error rise steeply. So any "
        'statement about "the exponent 0.077" depends on D. But the ratio is '
        "constant, and by question 3 the decision depends on nothing else."
    ),
    "a3.q5": (
        "The interval treats the 28 errors as independent, although points that share "
        "a language model are correlated, and four sizes are few. So the true "
        "uncertainty is larger."
    ),
    "a3.q6": (
        "The three doubtful points change the ratio less than the noise of all the "
        "others, and for every subset alpha < beta: for OCR, the largest V is best. "
        'This conclusion is well supported. "The exponents are 0.077 and 0.015" is '
        "not."
    ),
}
"""Maps a question to its conclusion; not every question has one."""
