"""The line of every event, one module an owner: `LINES[class] = (Chinese, English)`; the form is explained in timeline_texts."""
