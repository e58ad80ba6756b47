"""`/docs`: Swagger UI from an installed package, for FastAPI's own page loads it from a CDN."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.staticfiles import StaticFiles

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

PATH = "/docs"
_ASSETS = f"{PATH}/assets"


def install(app: FastAPI) -> None:
    """Serve the page and what it loads."""
    app.mount(_ASSETS, StaticFiles(directory=str(files("fastapi_swagger") / "resources")), name="docs-assets")
    app.add_route(PATH, _page, include_in_schema=False)


async def _page(request: Request) -> Response:
    base = request.scope.get("root_path", "").rstrip("/")
    return get_swagger_ui_html(
        openapi_url=f"{base}{request.app.openapi_url}",
        title=request.app.title,
        swagger_js_url=f"{base}{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{base}{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{base}{_ASSETS}/favicon-32x32.png",
    )
