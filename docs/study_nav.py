"""Puts the pages of the built-in studies into the site's contents, as many as have been published."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig

INDEX = "studies/index.md"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Called before the site is built: the entry of the index becomes a section with a page for each study."""
    names = sorted(
        page.stem for page in Path(config.docs_dir, "studies").glob("*.md") if page.stem != "index"
    )
    pages: list[object] = [INDEX, *({name: f"studies/{name}.md"} for name in names)]
    nav: list[dict[str, object]] = config.nav or []
    config.nav = [{title: pages if page == INDEX else page for title, page in entry.items()} for entry in nav]
    return config
