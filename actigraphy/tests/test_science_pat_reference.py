"""Reference cohorts: built as the paper scales, smoothed where few people are in them, read back only whole."""

import base64
import json

import numpy as np
import pytest

from actigraphy.science import pat

SAID = {"device": "actiwatch", "label": "12 people, Actiwatch, wrist, counts/min"}


@pytest.fixture(scope="module")
def weeks():
    """12 people who sleep at night, each at a level of their own."""
    rng = np.random.default_rng(5)
    awake = np.tile(np.repeat([0.1, 1.0], [480, 960]), 7)
    return (rng.gamma(2, 80, (12, pat.WEEK_MIN)) * awake * rng.uniform(0.5, 2, (12, 1))).astype(np.float32)


def test_with_many_people_every_minute_is_scaled_as_scikit_learn_scales_columns():
    people = np.random.default_rng(1).gamma(2, 80, (500, pat.WEEK_MIN)).astype(np.float32)
    cohort = pat.build_cohort(people, **SAID)
    assert (cohort.people, cohort.smoothed) == (500, False)
    # StandardScaler: subtract the column's mean, divide by its population standard deviation.
    scaled = (people - people.mean(axis=0, dtype=float)) / people.std(axis=0, dtype=float)
    np.testing.assert_allclose(cohort.normalize(people), scaled, rtol=0, atol=1e-5)


def test_with_few_people_an_hour_of_all_days_stands_for_a_minute(weeks):
    cohort = pat.build_cohort(weeks, **SAID)
    assert cohort.smoothed
    np.testing.assert_array_equal(cohort.mean[:1440], cohort.mean[6 * 1440 :])
    days = weeks.reshape(-1, 1440).astype(float)
    for minute in (0, 20, 700, 1439):
        around = [(minute + step) % 1440 for step in range(-30, 31)]
        assert cohort.mean[minute] == pytest.approx(np.mean([days[:, at].mean() for at in around]), rel=1e-5)
        assert cohort.sd[minute] == pytest.approx(np.sqrt(np.mean([days[:, at].var() for at in around])), rel=1e-5)


def test_a_person_keeps_their_level(weeks):
    cohort = pat.build_cohort(weeks, **SAID)
    levels, normal = weeks.mean(axis=1), cohort.normalize(weeks).mean(axis=1)
    assert np.corrcoef(levels, normal)[0, 1] > 0.95
    assert abs(normal.mean()) < 0.05


def test_minutes_not_measured_count_for_nothing_and_stay_missing(weeks):
    holes = weeks.copy()
    holes[3, 100:400] = np.nan
    cohort = pat.build_cohort(holes, **SAID)
    days = holes.reshape(-1, 1440).astype(float)
    around = [np.nanmean(days[:, at]) for at in range(170, 231)]
    assert cohort.mean[200] == pytest.approx(np.mean(around), rel=1e-5)
    assert np.isnan(cohort.normalize(holes)[3, 100:400]).all()
    assert np.isfinite(cohort.normalize(holes)[:3]).all()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda weeks: weeks[:9], "9 people; 10 are needed"),
        (lambda weeks: np.zeros_like(weeks), "nobody differs in 10080 minutes"),
        (lambda weeks: np.where(np.arange(pat.WEEK_MIN) % 1440 == 7, np.nan, weeks), "nobody was measured"),
    ],
)
def test_what_makes_no_cohort_is_refused_by_name(weeks, spoil, sentence):
    with pytest.raises(pat.CohortError, match=sentence):
        pat.build_cohort(spoil(weeks), **SAID)


def test_a_file_gives_the_cohort_back_and_the_same_bytes(weeks, tmp_path):
    cohort = pat.build_cohort(weeks, **SAID)
    path = tmp_path / "cohort.json"
    path.write_bytes(pat.cohort_bytes(cohort))
    back = pat.load_cohort(path)
    np.testing.assert_array_equal(back.mean, cohort.mean)
    np.testing.assert_array_equal(back.sd, cohort.sd)
    assert (back.device, back.label, back.people, back.synthetic) == ("actiwatch", SAID["label"], 12, False)
    assert pat.cohort_bytes(back) == path.read_bytes()
    assert pat.load_cohort(path, sha256=back.sha256).sha256 == back.sha256


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:-100],
        lambda content: b"",
        lambda content: b"[]",
        lambda content: b"[" * 100_000,
        lambda content: content.replace(b"cohort 1", b"cohort 2"),
        lambda content: changed(content, people="many"),
        lambda content: changed(content, device=None),
        lambda content: changed(content, mean="AAAA"),
        lambda content: changed(content, mean="not base64"),
        lambda content: changed(content, sd=base64.b64encode(bytes(4 * pat.WEEK_MIN)).decode()),
        lambda content: content + b" " * 2**20,
    ],
)
def test_a_damaged_file_is_refused(weeks, spoil, tmp_path):
    path = tmp_path / "cohort.json"
    path.write_bytes(spoil(pat.cohort_bytes(pat.build_cohort(weeks, **SAID))))
    with pytest.raises(pat.CohortError):
        pat.load_cohort(path, sha256=None)


def test_another_file_than_the_registered_one_is_refused(weeks, tmp_path):
    content = pat.cohort_bytes(pat.build_cohort(weeks, **SAID))
    with pytest.raises(pat.CohortError, match="registered is"):
        pat.load_cohort(content, sha256="0" * 64)
    with pytest.raises(pat.CohortError, match="cannot be read"):
        pat.load_cohort(tmp_path / "none.json")


def changed(content, **fields):
    return json.dumps(json.loads(content) | fields).encode()
