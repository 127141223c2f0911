def test_customers_see_their_own_orders(ann, ben):
    assert "Hand mill" in ann.get("/orders/").text
    assert "Hand mill" not in ben.get("/orders/").text


def test_an_order_is_cancelled_while_it_is_packed(ann):
    ann.post("/orders/2/cancel")
    assert "cancelled" in ann.get("/orders/").text
    assert ann.post("/orders/2/cancel").status_code == 404


def test_nobody_cancels_the_order_of_another(ann, ben):
    assert ben.post("/orders/2/cancel").status_code == 404
    assert "cancelled" not in ann.get("/orders/").text


def test_a_form_without_the_token_is_refused(app, ann):
    app.config["WTF_CSRF_ENABLED"] = True
    assert ann.post("/orders/2/cancel").status_code == 400
