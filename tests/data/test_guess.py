"""Labels and speakers, guessed from names."""

from pathlib import PurePath

import pytest

from emorec.data.guess import Guess, guess


def of(*names: str) -> Guess:
    return guess([PurePath(name) for name in names])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("M003_level_1_disgusted_015.mp4", "disgust"),
        ("1001_DFA_ANG_XX.wav", "anger"),
        ("HappyFace-3.mp4", "happiness"),
        ("sad/clip7.avi", "sadness"),
        ("Surprised/anna/7.avi", "surprise"),
        ("happy/anna_happy_1.avi", "happiness"),
        ("happy/anna_sad_1.avi", ""),  # they disagree
        ("happy_and_sad.mp4", ""),
        ("unhappy.mp4", ""),  # a word, not a part of one
        ("sadler/7.avi", ""),
        ("not_happy/7.avi", ""),
        ("Ang/happy_1.avi", "happiness"),  # a code counts in names of files only: this is a person
    ],
)
def test_a_word_for_an_emotion_is_the_class(name: str, label: str) -> None:
    assert of(name, *(f"x/anger_{i}.mp4" for i in range(5))).labels[0] == label


def test_folders_are_classes_where_no_name_has_a_word_for_an_emotion() -> None:
    found = of("calmly/1.wav", "calmly/2.wav", "tense/1.wav", "tense/2.wav")
    assert found.labels == ["calmly", "calmly", "tense", "tense"]
    assert found.labels_from == "names of folders"
    assert not any(found.groups)


def test_folders_are_classes_too_where_some_are_words_for_emotions() -> None:
    found = of(*(f"{c}/video/{i}.mp4" for c in ("happy", "sad", "tender") for i in "12"))
    assert found.labels == ["happiness"] * 2 + ["sadness"] * 2 + ["tender"] * 2
    assert found.labels_from == "names of folders"


def test_names_of_files_count_where_folders_are_something_else() -> None:
    found = of(
        *(f"{p}/{e}_{i}.mp4" for p in ("Joy", "Ben") for e in ("sad", "angry") for i in "12")
    )
    assert all(found.labels)
    assert found.labels.count("sadness") == found.labels.count("anger") == 4


@pytest.mark.parametrize("first", ["train", "actor_01", "s01", "session1"])
def test_folders_of_parts_and_speakers_are_no_classes(first: str) -> None:
    found = of(f"{first}/1.wav", f"{first}/2.wav", "other/1.wav", "other/2.wav")
    assert not any(found.labels)
    assert found.labels_from == ""


def test_folders_of_parts_are_parts_if_every_file_has_one() -> None:
    found = of("train/happy/1.wav", "dev/happy/1.wav", "Testing/sad/1.wav")
    assert found.parts == ["train", "val", "test"]
    assert not any(of("train/happy/1.wav", "happy/2.wav").parts)


def test_numbered_names_are_speakers() -> None:
    names = ("Actor_1", "actor_02", "ACTOR 03", "actor_01")
    found = of(*(f"s01/{name}_{e}.wav" for name in names for e in ("sad", "happy")))
    assert found.groups == [f"actor{n:02}" for n in (1, 1, 2, 2, 3, 3, 1, 1)]
    found = of(*(f"s0{s}-{e}-{i}.mp4" for s in (1, 2, 3) for e in ("sad", "happy") for i in "12"))
    assert set(found.groups) == {"s01", "s02", "s03"}


@pytest.mark.parametrize("name", ["{p}_{e}_s0{i}.wav", "{e}/holiday_f00{i}.png"])
def test_numbers_of_sentences_and_frames_are_no_speakers(name: str) -> None:
    people = ("alice", "bob")
    found = of(
        *(name.format(p=p, e=e, i=i) for p in people for e in ("sad", "happy") for i in "12")
    )
    assert set(found.groups) in ({"alice", "bob"}, {""})


def test_folders_are_speakers_where_files_name_the_class() -> None:
    found = of(
        *(f"{p}/{e}{i}.mp4" for p in ("anna", "ben") for e in ("sad", "happy") for i in "12")
    )
    assert set(found.groups) == {"anna", "ben"}
    assert found.groups_from == "names of folders"
    found = of(
        *(f"{p}_{e}_{i}.mp4" for p in ("anna", "ben") for e in ("sad", "happy") for i in "12")
    )
    assert set(found.groups) == {"anna", "ben"}
    assert found.groups_from == "the first word of names"
    # Folders that are classes or parts are not.
    assert not any(
        of("sad/sad1.mp4", "sad/sad2.mp4", "happy/happy1.mp4", "happy/happy2.mp4").groups
    )
    assert not any(of("train/sad1.mp4", "train/sad2.mp4", "test/sad1.mp4", "test/sad2.mp4").groups)


def test_a_name_for_each_file_is_no_speaker() -> None:
    assert not any(of("s01_sad.wav", "s02_sad.wav", "s03_happy.wav").groups)


def test_names_of_corpora_are_known() -> None:
    assert of("Actor_01/03-01-04-01-02-01-01.wav").corpus == "ravdess"
    assert of("1001_DFA_ANG_XX.flv", "1002_IEO_HAP_HI.flv").corpus == "crema_d"
    assert of("anna_sad.wav").corpus == ""
