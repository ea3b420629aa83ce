"""The probe of letters reads strings whose letters are given one a token."""

import torch
import torch.nn.functional as F

from vlmcore.experiments.ladder import shared
from vlmcore.experiments.ladder.letter_probe import LetterProbe, targets


def test_a_string_is_its_letters_and_then_its_end():
    made = shared.family_scenes("ocr", "development", draw=False)
    found = targets(made)
    assert found.shape == (len(made.samples), 8)
    for row, sample in zip(found.tolist(), made.samples, strict=True):
        letters = [chr(ord("A") + number) for number in row if number < 26]
        assert " ".join(letters) == sample.answer
        assert row == [*row[: len(letters)], *[26] * (8 - len(letters))]


def test_letters_that_are_there_are_read_and_others_are_not():
    torch.manual_seed(0)
    names, end = torch.randn(27, 12), 26
    probe = LetterProbe(12, 4)
    optimizer = torch.optim.Adam(probe.parameters(), 2e-3)

    def strings(count):
        letters = torch.randint(26, (count, 4))
        return names[letters], F.pad(letters, (0, 4), value=end)

    for _ in range(150):
        visual, wanted = strings(64)
        loss = F.cross_entropy(probe(visual).flatten(0, 1), wanted.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    visual, wanted = strings(200)
    right = (probe(visual).argmax(-1) == wanted)[:, :4].float().mean()
    assert right > 0.95
    blank = names[end].expand(200, 4, -1)
    assert (probe(blank).argmax(-1) == wanted)[:, :4].float().mean() < 0.2
