import pytest

from app import create_app
from extensions import db
from seed import add_examples


@pytest.fixture
def app(tmp_path):
    app = create_app(
        {
            "TESTING": True,
            "WTF_CSRF_ENABLED": False,
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/shop.db",
        }
    )
    with app.app_context():
        db.create_all()
        add_examples()
    return app


@pytest.fixture
def client(app):
    """A visitor who has not logged in."""
    return app.test_client()


@pytest.fixture
def ann(app):
    return logged_in(app, "ann")


@pytest.fixture
def ben(app):
    return logged_in(app, "ben")


def logged_in(app, name):
    client = app.test_client()
    client.post("/login", data={"email": f"{name}@example.com", "password": name})
    return client
