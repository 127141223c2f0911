"""Logging in and out."""

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_login import login_required, login_user, logout_user

from extensions import db
from models import User

accounts = Blueprint("accounts", __name__)


@accounts.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "POST":
        user = db.session.scalar(db.select(User).filter_by(email=request.form["email"]))
        if user and user.has_password(request.form["password"]):
            login_user(user)
            return redirect(session.pop("next", None) or url_for("orders.index"))
        flash("There is no customer with this address and password.")
    return render_template("login.html")


@accounts.post("/logout")
@login_required
def logout():
    logout_user()
    return redirect(url_for("help.index"))
