"""The tags of every page, and the files they point to."""

import hashlib
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from django.http import HttpResponse
from django.template import Context, Engine
from django.urls import path

from novamind import charts
from novamind.measures import Abstained, Measure

ROOT = Path(__file__).resolve().parents[2]
RECORD = UUID(int=7)
urlpatterns = [path("provenance/<uuid:record_id>/", lambda request, record_id: HttpResponse(), name="provenance")]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def render(settings):
    engine = Engine(dirs=settings.TEMPLATES[0]["DIRS"], builtins=["novamind.templatetags.novamind"])

    def rendered(source, **context):
        html = engine.from_string(source).render(Context(context))
        return re.sub(r"\s+", " ", html).strip()

    return rendered


def words(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html)).strip()


def test_a_number_shows_its_unit_its_interval_and_n(render):
    value = Measure(62.1, "%", "bootstrap, 80 %", n=21, low=48, high=74)
    assert words(render("{% measure m %}", m=value)) == "62 % interval 48\u201374, n = 21"


def test_a_number_opens_its_provenance(render):
    html = render("{% measure m %}", m=Measure(432, "min", "Cole-Kripke", record_id=RECORD))
    assert f'href="/provenance/{RECORD}/"' in html
    assert "7 h 12 min" in html


def test_a_number_without_a_record_is_no_link(render):
    assert "<a" not in render("{% measure m %}", m=Measure(432, "min", "Cole-Kripke"))


def test_a_dense_table_leaves_n_to_the_provenance(render):
    assert words(render("{% measure m full=False %}", m=Measure(0.53, "", "IS", n=8, low=0.4, high=0.6))) == "0.53"


def test_a_method_cannot_break_out_of_its_attribute(render):
    assert '"><script>' not in render("{% measure m %}", m=Measure(1, "", '"><script>'))


def test_an_abstention_is_its_reason_and_no_number_of_its_own(render):
    html = render("{% measure m %}", m=Abstained("too_few_nights", needed=5, got=4))
    assert words(html) == "4 valid nights; 5 needed"
    assert 'class="abstained"' in html


def test_a_moment_is_shown_in_the_patients_zone(render):
    onset = datetime(2027, 5, 3, 21, 41, tzinfo=UTC)
    assert words(render("{% measure t 'Europe/Oslo' %}", t=onset)) == "23:41"
    assert render("{{ t|moment:'Europe/Oslo' }}", t=onset) == "Mon 3 May 2027 23:41"


@pytest.mark.parametrize(
    ("moment", "until", "shown"),
    [
        (datetime(2027, 5, 3, 21, 41, tzinfo=UTC), 6, "23:41"),
        (datetime(2027, 5, 4, 3, 59, tzinfo=UTC), 6, "05:59"),
        (datetime(2027, 5, 4, 7, 39, tzinfo=UTC), 6, "Tue 09:39"),
        (datetime(2027, 5, 4, 7, 39, tzinfo=UTC), 12, "09:39"),
        (datetime(2027, 5, 4, 12, 47, tzinfo=UTC), 12, "Tue 14:47"),
        (datetime(2027, 5, 3, 12, 0, tzinfo=UTC), 6, "Mon 14:00"),
    ],
)
def test_a_time_that_is_not_plainly_of_its_night_has_its_weekday(render, moment, until, shown):
    tag = "{% measure t 'Europe/Oslo' evening=night until=until %}"
    assert words(render(tag, t=moment, night=date(2027, 5, 3), until=until)) == shown


def test_the_day_of_a_moment_is_the_day_where_the_patient_is(render):
    late = datetime(2027, 5, 3, 22, 30, tzinfo=UTC)
    assert render("{{ t|day:'Europe/Oslo' }}", t=late) == "Tue 4 May 2027"
    assert render("{{ t|short_day }}", t=date(2027, 5, 3)) == "Mon 3 May"


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_is_shown_as_nothing(render, nothing):
    assert words(render("{% measure m %}", m=nothing)) == "\u2013"
    assert render("{{ t|day }}{{ t|moment }}{{ t|clock_time }}{{ t|percent }}", t=nothing) == ""


def test_a_remark_is_words_and_no_code(render):
    assert render("{{ 'dst'|remark }}, {{ 'partial_wear'|remark }}") == "clock changed, partial wear"


def test_a_share_is_a_percentage(render):
    assert render("{{ s|percent }}", s=0.962) == "96 %"


def test_a_chart_travels_as_inert_json_with_its_caption_and_its_table(render):
    line = {"type": "scatter", "y": charts.packed(np.arange(3, dtype=np.float32)), "name": "</script>"}
    drawn = charts.figure([line], height=200, caption="Three points.", table=(["Night", "TST"], [["Mon", "7 h"]]))
    html = render("{% figure f 'trend' 'Sleep by night' %}", f=drawn)
    [sent] = re.findall(r'<script id="figure-trend-data" type="application/json">(.*?)</script>', html)
    assert json.loads(sent)["data"] == [line]
    assert "caption" not in json.loads(sent)["meta"], "the words are on the page already"
    assert "Three points." in html
    assert '<th scope="row">Mon</th>' in html
    assert 'aria-label="Sleep by night"' in html


def test_a_chart_that_abstains_says_why(render):
    html = render("{% figure f 'trend' 'Sleep' %}", f=Abstained("too_few_days", needed=5, got=2))
    assert words(html) == "Not drawn: 2 valid days; 5 needed."


def test_a_chart_without_anything_to_draw_is_its_caption_and_no_axes(render):
    html = render("{% figure f 'trend' 'Sleep' %}", f=charts.figure([], height=120, caption="No day was recorded."))
    assert words(html) == "No day was recorded."
    assert "<figure" not in html


def test_a_chart_that_is_not_there_breaks_no_page(render):
    assert words(render("{% figure figures.trend 'trend' 'Sleep' %}", figures={})) == "Nothing to draw yet."


def test_an_icon_says_nothing_to_a_screen_reader(render):
    html = render("{% icon 'search' %}")
    assert 'aria-hidden="true"' in html
    assert "icons.svg#search" in html


def test_every_icon_that_a_template_names_is_in_the_sprite():
    drawn = set(re.findall(r'<symbol id="(\w+)"', (ROOT / "static" / "icons.svg").read_text(encoding="utf-8")))
    named = {
        name
        for template in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r'{% icon "(\w+)"', template.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= drawn


def test_no_page_has_an_inline_script_or_style():
    on_paper = ROOT / "templates" / "print" / "document.html"  # becomes a PDF, served by nobody
    a_file_of_its_own = (
        ROOT / "templates" / "actigraphy" / "report.html"
    )  # written by manage.py analyze, served by nobody
    for template in set((ROOT / "templates").rglob("*.html")) - {a_file_of_its_own, on_paper}:
        text = template.read_text(encoding="utf-8")
        assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text), template.name


def test_vendored_files_are_the_ones_on_record():
    vendor = ROOT / "static" / "vendor"
    on_record = re.findall(
        r"^\| (\S+) \|.*\| (\w{64}) \|$", (vendor / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(on_record) == 3
    for name, digest in on_record:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest, name
