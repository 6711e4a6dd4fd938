"""`serve --print-nginx`: which feeds, which store, which address."""

from __future__ import annotations

import pytest

from tests.cli.place import FEEDS


def test_the_configuration_is_that_of_the_approved_feeds_of_the_declaration(place):
    done = place.run("serve", "--print-nginx")
    assert (done.code, done.err) == (0, "")
    assert "listen 127.0.0.1:8080;" in done.out
    for feed in ("approved-nuget", "approved-pypi"):
        assert f'location "/{feed}/" {{\n        alias "{place.root}/.feeds/feeds/{feed}/";' in done.out
    assert "public-" not in done.out
    assert "index $reconciler_index_pypi;" in done.out
    assert not (place.root / ".feeds").exists()


def test_another_address_and_another_commit_may_be_given(place):
    before = place.git("rev-parse", "HEAD")
    place.write("feeds.yaml", FEEDS.replace("./.feeds", "/srv/feeds"))
    place.commit()
    assert 'alias "/srv/feeds/feeds/approved-nuget/";' in place.run("serve", "--print-nginx").out
    done = place.run("serve", "--print-nginx", "--ref", before, "--public-url", "http://packages.example:81/x/")
    assert "listen 81;" in done.out
    assert f'location "/x/approved-pypi/" {{\n        alias "{place.root}/.feeds/feeds/approved-pypi/";' in done.out


def test_serving_itself_is_not_there_yet(place):
    done = place.run("serve")
    assert (done.code, done.out) == (64, "")
    assert "only --print-nginx is available" in done.err
    assert "any static web server can serve the feeds" in done.err


@pytest.mark.parametrize("store", ["s3://bucket/prefix", "./feeds.yaml"])
def test_a_store_that_is_no_folder_is_refused(place, store):
    place.write("feeds.yaml", FEEDS.replace("./.feeds", store))
    place.commit()
    done = place.run("serve", "--print-nginx")
    assert (done.code, done.out) == (64, "")
    assert "Change `store` in feeds.yaml." in done.err


def test_a_value_that_could_change_the_configuration_is_refused(place):
    place.write("feeds.yaml", FEEDS.replace("./.feeds", "./$host"))
    place.commit()
    assert place.run("serve", "--print-nginx").code == 64
    place.write("feeds.yaml", FEEDS.replace("http://127.0.0.1:8080", "http://a;b"))
    place.commit()
    assert place.run("serve", "--print-nginx").code == 64
