"""`serve`: so far only the configuration under which nginx serves the feeds."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.session import open_session, public_url_option, ref_option
from reconciler.ecosystems import ECOSYSTEMS
from reconciler.errors import Refused
from reconciler.model.declared import Settings
from reconciler.show.nginx import ServedFeed, nginx_configuration
from reconciler.stores import open_store
from reconciler.stores.keys import feed_folder
from reconciler.stores.local import LocalStore


@click.command()
@click.option("--print-nginx", is_flag=True, help="Print a configuration of nginx that serves the feeds, for its conf.d/.")
@public_url_option
@ref_option
@click.pass_obj
def serve(folder: Path, print_nginx: bool, public_url: str | None, ref: str) -> None:
    """Print the configuration of a web server for the feeds: static files, with what npm and PEP 691 need.

    Any static web server serves PyPI (HTML) and NuGet feeds as they are. Reading rights are enforced by none of them.

    \b
    Example:
      reconciler serve --print-nginx > /etc/nginx/conf.d/feeds.conf
    """
    if not print_nginx:
        message = (
            "only --print-nginx is available: serving with permissions comes later. "
            "Until then any static web server can serve the feeds, the folder feeds/ of the store."
        )
        raise click.UsageError(message)
    session = open_session(folder)
    store = _store_folder(session.reader.rules_at(session.repository.resolve(ref)).rules.now.settings, session.repository.root)
    settings = session.rules(ref).rules.now.settings
    feeds = [
        ServedFeed(name=feed.name, path=feed_folder(feed.name), type=feed.type, indexes=ECOSYSTEMS[feed.type].indexes)
        for feed in settings.feeds.values()
        if feed.usage != "proxy"
    ]
    click.echo(nginx_configuration(str(store), public_url or settings.public_url, feeds), nl=False)


def _store_folder(settings: Settings, base: Path) -> Path:
    """The store, which must be a folder, and need not be there before the first apply."""
    store = open_store(settings.store, base=base)
    folder = (base / settings.store).absolute()
    if not isinstance(store, LocalStore) or (folder.exists() and not folder.is_dir()):
        message = f"store {settings.store!r} is not a folder; nginx can serve no other"
        raise Refused(message, remedy="Change `store` in feeds.yaml.")
    return folder
