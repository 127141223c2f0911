"""Tools that run here: functions of the application that models may call within an answer."""
