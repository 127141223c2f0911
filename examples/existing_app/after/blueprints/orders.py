"""The orders of the customer who is logged in."""

from flask import Blueprint, redirect, render_template, url_for
from flask_login import current_user, login_required

from extensions import db
from models import Order

orders = Blueprint("orders", __name__, url_prefix="/orders")


@orders.get("/")
@login_required
def index():
    return render_template("orders.html", orders=current_user.orders)


@orders.post("/<int:id>/cancel")
@login_required
def cancel(id):
    order = db.first_or_404(db.select(Order).filter_by(id=id, user_id=current_user.id, status="being packed"))
    order.status = "cancelled"
    db.session.commit()
    return redirect(url_for("orders.index"))
