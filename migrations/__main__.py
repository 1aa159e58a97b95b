from migrations.cli import main

main()
