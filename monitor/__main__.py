"""Lets `python -m monitor` be `monitor`."""

if __name__ == "__main__":  # worker processes import this file, too, and need none of the command line
    from monitor.cli import main

    main()
