"""The shop of a mill: help pages for everybody, orders for customers who have logged in."""

from flask import Flask, redirect, url_for

from blueprints.accounts import accounts
from blueprints.help import help_pages
from blueprints.orders import orders
from extensions import csrf, db, login_manager
from seed import seed


def create_app(config=None):
    app = Flask(__name__)
    app.config.from_mapping(SECRET_KEY="for development only", SQLALCHEMY_DATABASE_URI="sqlite:///shop.db")
    app.config["USE_SESSION_FOR_NEXT"] = True  # Flask-Login's page after the login
    app.config.from_prefixed_env("SHOP")
    app.config.update(config or {})
    db.init_app(app)
    login_manager.init_app(app)
    csrf.init_app(app)
    app.register_blueprint(accounts)
    app.register_blueprint(help_pages)
    app.register_blueprint(orders)
    app.add_url_rule("/", view_func=lambda: redirect(url_for("help.index")))
    app.cli.add_command(seed)
    return app
