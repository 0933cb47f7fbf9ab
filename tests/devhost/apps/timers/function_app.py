# mypy: ignore-errors
"""Timer triggers that write the time of each run to a file."""

import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp()


def note(name, text):
    with (Path(os.environ["SCRATCH"]) / f"{name}.txt").open("a") as file:
        file.write(f"{text}\n")


@app.timer_trigger(arg_name="timer", schedule="%EVERY_SECOND%")
def quick(timer: func.TimerRequest) -> None:
    note("quick", f"{time.time()} {timer.past_due}")


@app.timer_trigger(arg_name="timer", schedule="%EVERY_SECOND%")
async def slow(timer: func.TimerRequest) -> None:
    note("slow", f"begin {time.time()}")
    time.sleep(1.1)
    note("slow", f"end {time.time()}")


@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def yearly(timer: func.TimerRequest) -> None:
    note("yearly", timer.schedule_status["Next"])
    raise RuntimeError("every time")


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def at_start(timer: func.TimerRequest) -> None:
    note("at_start", timer.past_due)
