"""The help pages, and the search in them."""

from flask import Blueprint, render_template, request

from extensions import db
from models import Article

help_pages = Blueprint("help", __name__, url_prefix="/help")


@help_pages.get("/")
def index():
    query = request.args.get("q", "")
    articles = Article.search(query) if query else db.session.scalars(db.select(Article).order_by(Article.title)).all()
    return render_template("help/index.html", articles=articles, query=query)


@help_pages.get("/<slug>")
def show(slug):
    return render_template("help/article.html", article=db.get_or_404(Article, slug))
